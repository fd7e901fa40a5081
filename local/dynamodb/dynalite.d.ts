declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** A server that is not yet listening. https://github.com/architect/dynalite */
  export default function dynalite(options: {
    readonly path?: string;
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
  }): Server;
}
