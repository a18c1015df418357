// What every scenario shares: the SDK against the given server, and assertions that say what differed.
import assert from "node:assert/strict";
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";

globalThis.EventSource = EventSource;

export { assert, PocketBase };
export const url = process.argv[2];
export const given = JSON.parse(process.argv[3] ?? "{}");

export function client() {
  const pb = new PocketBase(url);
  pb.autoCancellation(false);
  return pb;
}

export async function superuser() {
  const pb = client();
  await pb.collection("_superusers").authWithPassword(given.email, given.password);
  return pb;
}

// The error a call ends with; a call that succeeds is a failure of the scenario.
export async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail("the call was expected to be refused");
}

// Resolves with the first value that `add(push)` gives and `accept` takes, or fails after a bounded wait.
export function first(add, accept, what) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`never happened: ${what}`)), 10_000);
    add((value) => {
      if (accept(value)) {
        clearTimeout(timer);
        resolve(value);
      }
    });
  });
}

export function finish(result = {}) {
  console.log(JSON.stringify(result));
  process.exit(0);
}
