/** The part of avsc that reads and writes values in memory: its main module imports files and streams too. */
declare module 'avsc/lib/types.js' {
  import type { Type, types } from 'avsc';

  const avsc: { readonly Type: typeof Type; readonly builtins: typeof types };
  export default avsc;
}
