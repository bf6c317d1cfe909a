// A page that is open while a new version is deployed wants files that are gone: it is loaded again, once, and if that does
// not help it says so and leaves the rest to the reader.
import { Component, type ReactNode, lazy } from "react";
import { t } from "./language";

const KEY = "zhihui.renewed";
/** A second failure so soon after loading again is no matter of versions. */
const APART_MS = 60_000;

/** What the reloading needs of a browser. */
export type Around = { storage: Pick<Storage, "getItem" | "setItem">; now: () => number; online: () => boolean; reload: () => void };

const browser: Around = {
  get storage() {
    return sessionStorage;
  },
  now: Date.now,
  online: () => navigator.onLine,
  reload: () => location.reload(),
};

/** What `load` gives. Where its file is gone the whole page is loaded again, where it is; then this never ends. Rejects as `load` does where there is no network, or the page was loaded again a moment ago. */
export async function renewing<T>(load: () => Promise<T>, around: Around = browser): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const last = Number(around.storage.getItem(KEY) ?? 0);
    if (!around.online() || around.now() - last < APART_MS) throw error;
    around.storage.setItem(KEY, String(around.now()));
    around.reload();
    return new Promise(() => undefined);
  }
}

/** A part of the client that is loaded when it is looked at. */
export const part: typeof lazy = (load) => lazy(() => renewing(load));

/** A page that fails says so and can be loaded again; its `key` says which page it is, so that another one is tried anew. */
export class Whole extends Component<{ children: ReactNode }, { broken: boolean }> {
  state = { broken: false };
  static getDerivedStateFromError = () => ({ broken: true });
  render() {
    if (!this.state.broken) return this.props.children;
    return (
      <div className="broken" role="alert">
        <h1>{t("broken")}</h1>
        <p>{t("broken.note")}</p>
        <button type="button" onClick={() => location.reload()}>
          {t("broken.reload")}
        </button>
      </div>
    );
  }
}
