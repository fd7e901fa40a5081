/** The first of each list, then the second of each, and so on. */
export function inTurn<Of>(lists: readonly (readonly Of[])[]): Of[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();
}
