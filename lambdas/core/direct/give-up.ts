/** What becomes of a batch that three attempts did not end. */
import { BATCH, type Batch, type Candidate } from './batch.ts';
import { finishSplit, type PlanPorts } from './plan.ts';
import type { PublishPorts } from './publish.ts';

export type GiveUpPorts = PlanPorts & Pick<PublishPorts, 'deadLetter'>;

/**
 * Splits a batch, or makes a dead letter of its only member. Either is decided by one conditional update, so that no
 * attempt is sealed any more.
 */
export async function giveUp(batch: Batch, members: readonly Candidate[], ports: GiveUpPorts): Promise<void> {
  // The rows that the generation before has written stay as they are.
  if (batch.before !== undefined) return await ports.ledger.giveUpReload(batch);
  const [only, ...others] = members;
  if (only && others.length === 0) {
    if (await ports.ledger.advance(batch.id, BATCH.open, BATCH.failing)) await finishFailing(batch, members, ports);
  } else if (await ports.ledger.advance(batch.id, BATCH.open, BATCH.split)) await finishSplit(batch, ports);
}

/**
 * Makes a dead letter of the only member. Anyone may do it, and again: the object may then be a dead letter twice. When
 * it is announced again, it waits again, and the batch has no member any more.
 */
export async function finishFailing(batch: Batch, members: readonly Candidate[], ports: GiveUpPorts): Promise<void> {
  const { ledger, deadLetter } = ports;
  for (const member of members) {
    await deadLetter(member, `batch ${batch.id}: ${batch.attempts} attempts did not end`);
    await ledger.notLoaded(batch.id, member, 'failed');
  }
  await ledger.advance(batch.id, BATCH.failing, BATCH.failed);
}
