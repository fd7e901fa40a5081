/** WebAssembly, which Node has and its type declarations do not. */
import { inflateRawSync } from 'node:zlib';

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

/** A module that `npm run kernel` has compiled. */
export type WasmModule = object;

/**
 * @param text the module's bytes, deflated and as base64: deflated, they take a twentieth less of each bundle, and are
 * inflated within a millisecond
 */
export function wasmModule(text: string): WasmModule {
  return new Module(inflateRawSync(Buffer.from(text, 'base64')));
}

/** Makes an instance, with a memory of its own, and returns what it exports. */
export function wasmExports(module: WasmModule, host: object): unknown {
  return new Instance(module, { host }).exports;
}
