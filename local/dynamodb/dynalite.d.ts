declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** Makes a server that is not listening yet. https://github.com/architect/dynalite */
  export default function dynalite(options: {
    readonly path?: string;
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
  }): Server;
}
