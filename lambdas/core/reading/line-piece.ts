/** What the envelopes of a line say of the pieces in which a container runtime has written it. */
import type { Envelope, Piece } from './envelope.ts';
import { plainText } from './json-text.ts';

/** A line that may be a piece of one, as the outermost envelope with a mark says. */
export interface LinePiece extends Piece {
  readonly text: string;
  /** A line with another text in the envelopes of this one. */
  whole(text: string): string;
}

/**
 * What the envelopes of a gateway's line, the outermost first, say of pieces.
 *
 * @param stdoutOnly a filter leaves out what is not of stdout: each piece of it by itself
 */
export function gatewayPieceOf(envelopes: readonly Envelope[], stdoutOnly: boolean): LinePiece | undefined {
  const { stream } = envelopes.findLast((each) => each.stream) ?? {};
  const isLeftOut = stdoutOnly && stream && plainText(stream.json) !== 'stdout';
  return isLeftOut ? undefined : linePieceOf(envelopes);
}

/**
 * What the envelopes of a line, the outermost first, say of pieces; undefined if there is no envelope. The innermost one
 * counts if none has a mark: then the line may be the last piece of another.
 */
export function linePieceOf(envelopes: readonly Envelope[]): LinePiece | undefined {
  const marked = envelopes.findIndex(({ piece }) => piece.kind !== 'last' || piece.ordinal !== undefined);
  const outer = marked < 0 ? envelopes : envelopes.slice(0, marked + 1);
  const inner = outer.at(-1);
  return (
    inner && {
      kind: inner.piece.kind,
      ...(inner.piece.ordinal !== undefined && { ordinal: inner.piece.ordinal }),
      get stream() {
        return outer.map(({ piece }) => piece.stream).join('\n');
      },
      text: inner.text,
      whole: (text) => outer.reduceRight((within, { wrap }) => wrap(within), text),
    }
  );
}
