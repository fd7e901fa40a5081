import { isLive, readManifest, readManifestList } from '../../../lambdas/core/iceberg/manifests.ts';
import type { Snapshot } from '../../../lambdas/core/iceberg/metadata.ts';
import type { TableFiles } from '../../../lambdas/core/iceberg/ports.ts';
import { placeOf } from '../table-store.ts';

/** The files that snapshots have: lists of manifests, manifests, and the files that are in these and not deleted. */
export async function filesOf(files: TableFiles, snapshots: readonly Snapshot[]): Promise<Set<string>> {
  const found = new Set<string>();
  const manifests = new Set<string>();
  for (const snapshot of snapshots) {
    found.add(canonical(snapshot['manifest-list']));
    for (const manifest of (await readManifestList(files, snapshot)).manifests) {
      if (manifests.has(manifest.manifest_path)) continue;
      manifests.add(manifest.manifest_path);
      found.add(canonical(manifest.manifest_path));
      for (const entry of (await readManifest(files, manifest)).entries) {
        if (isLive(entry)) found.add(canonical(entry.data_file.file_path));
      }
    }
  }
  return found;
}

/** A file has one URI here, whatever scheme its writer has given it. */
export function canonical(uri: string): string {
  const { bucket, key } = placeOf(uri);
  return `s3://${bucket}/${key}`;
}
