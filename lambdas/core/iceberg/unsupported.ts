/** A table has something that another writer has put there and that this project cannot read, or not carry on. */
export class UnsupportedTableError extends Error {
  override readonly name = 'UnsupportedTableError';
}
