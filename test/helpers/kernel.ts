/** What becomes of an input when the kernel reads it, and when only the TypeScript reader does. */
import { LineBatcher, type LineBatcherProps } from '../../lambdas/core/loading/line-batcher.ts';
import { recycle, rowsOf } from '../../lambdas/core/loading/pack.ts';
import type { CompiledFormat } from '../../lambdas/core/reading/format.ts';

/** Runs of each property of the kernel; the environment can ask for more. */
export const KERNEL_RUNS = Number(process.env.TRIBUTARY_FUZZ_RUNS ?? 160);

/** A format without what the kernel needs, so that its reader reads every line. */
export function withoutKernel({ layout, ...format }: CompiledFormat): CompiledFormat {
  return format;
}

/** The format, and how many lines its reader has been given. */
export function counted(format: CompiledFormat): { readonly format: CompiledFormat; read: () => number } {
  let lines = 0;
  const reader: CompiledFormat['reader'] = {
    ...format.reader,
    read: (line, row) => {
      lines++;
      return format.reader.read(line, row);
    },
  };
  return { format: { ...format, reader }, read: () => lines };
}

export function loaderOf(format: CompiledFormat, props: Partial<LineBatcherProps>): LineBatcher {
  return new LineBatcher({
    source: 'logs',
    origin: 'origin000000',
    format,
    keepRaw: 'on-error',
    shared: new Map(),
    now: () => new Date('2026-11-22T12:00:00Z'),
    ...props,
  });
}

/** All that became of an object's bytes. */
export function loaded(format: CompiledFormat, chunks: readonly Buffer[], props: Partial<LineBatcherProps> = {}) {
  const loader = loaderOf(format, props);
  for (const chunk of chunks) loader.push(chunk);
  loader.end();
  return resultOf(loader);
}

export function resultOf(loader: LineBatcher) {
  const shipments = loader.takeRemaining();
  const rows = (of: 'rows' | 'rejected') => {
    const found = rowsOf(Buffer.concat(shipments.flatMap((each) => [...each[of]])));
    // As a loader does once its batch is sent: without, most of the time here would go into new memory.
    for (const each of shipments) recycle(each[of]);
    return found;
  };
  return {
    rows: rows('rows'),
    rejected: rows('rejected'),
    counts: loader.counts,
    reasons: loader.reasons,
    times: shipments.map(({ times }) => times),
  };
}
