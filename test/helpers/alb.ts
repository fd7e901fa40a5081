import { albLines, LOAD_BALANCERS, type LoadBalancer } from '../../local/sample/alb.ts';

/** A load balancer of the sample, and the first of its nodes. */
export const LOAD_BALANCER = LOAD_BALANCERS[0] as LoadBalancer;
export const NODE = LOAD_BALANCER.nodes[0] as string;

/** What lines are to be; times in milliseconds since the epoch. */
export interface AlbSpan {
  readonly from: number;
  readonly to?: number;
  readonly node?: string;
  /** One in so many lines is odd. @default - none is */
  readonly oddEvery?: number;
}

/** Everyday lines of one node, five minutes of them if the end is not given. */
export function everydayAlbLines(
  seed: string,
  count: number,
  { from, to = from + 300_000, node = NODE, oddEvery = Number.POSITIVE_INFINITY }: AlbSpan,
): string[] {
  return [...albLines(seed, count, { loadBalancer: LOAD_BALANCER, node, from, to, oddEvery })].map(({ text }) => text);
}
