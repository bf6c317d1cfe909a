// A file that is gone because a new version was deployed: loaded again once, and no more.
import { expect, test, vi } from "vitest";
import { type Around, renewing } from "../src/shared/fresh";

const gone = () => Promise.reject(new TypeError("Failed to fetch dynamically imported module"));

function around(changes: Partial<Around> = {}): Around & { reload: ReturnType<typeof vi.fn> } {
  return { storage: sessionStorage, now: () => 1_000_000, online: () => true, reload: vi.fn(), ...changes } as Around & { reload: ReturnType<typeof vi.fn> };
}

test("a part that loads is given as it is", async () => {
  const here = around();
  expect(await renewing(async () => "part", here)).toBe("part");
  expect(here.reload).not.toHaveBeenCalled();
});

test("a part whose file is gone loads the page again, and nothing broken is shown meanwhile", async () => {
  const here = around();
  const shown = vi.fn();
  void renewing(gone, here).then(shown, shown);
  await vi.waitFor(() => expect(here.reload).toHaveBeenCalledOnce());
  expect(shown).not.toHaveBeenCalled();
});

test("where loading again did not help, the page says so instead of loading again for ever", async () => {
  const first = around();
  void renewing(gone, first);
  await vi.waitFor(() => expect(first.reload).toHaveBeenCalledOnce());
  const soon = around({ now: () => 1_000_000 + 59_999 });
  await expect(renewing(gone, soon)).rejects.toThrow("Failed to fetch");
  expect(soon.reload).not.toHaveBeenCalled();
  const later = around({ now: () => 1_000_000 + 60_000 });
  void renewing(gone, later);
  await vi.waitFor(() => expect(later.reload).toHaveBeenCalledOnce());
});

test("without a network there is nothing to load again", async () => {
  const here = around({ online: () => false });
  await expect(renewing(gone, here)).rejects.toThrow("Failed to fetch");
  expect(here.reload).not.toHaveBeenCalled();
});
