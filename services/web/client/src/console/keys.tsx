// Keys for those whose hands stay on the keyboard, the sheet that lists them, and the switch that turns them off (WCAG 2.1.4).
import { Modal, Switch } from "antd";
import { useEffect, useState } from "react";
import { type Key, t } from "../shared/language";
import { go } from "../shared/router";
import { toggleTheme } from "../shared/theme";

const STORED = "zhihui.keys";
const on = () => localStorage.getItem(STORED) !== "off";
const GOES: Record<string, string> = { o: "/console", r: "/console/rounds", q: "/console/requests", e: "/console/experts", x: "/console/sheets" };
const LISTED: [string[], Key][] = [
  [["g", "o"], "keys.overview"],
  [["g", "r"], "keys.rounds"],
  [["g", "q"], "keys.requests"],
  [["g", "e"], "keys.experts"],
  [["g", "x"], "keys.sheets"],
  [["/"], "keys.search"],
  [["["], "keys.before"],
  [["]"], "keys.next"],
  [["n"], "keys.new"],
  [["t"], "keys.theme"],
  [["p"], "keys.print"],
  [["?"], "keys.help"],
  [["Enter"], "keys.enter"],
  [["Alt", "← → ↑ ↓"], "keys.nudge"],
  [["Esc"], "keys.close"],
];

/** Steps to the tab before or after the one shown, where a page has tabs. */
function step(by: number) {
  const tabs = [...document.querySelectorAll<HTMLAnchorElement>(".tabs a")];
  const now = tabs.findIndex((one) => one.getAttribute("aria-current"));
  tabs[(now + by + tabs.length) % tabs.length]?.click();
}

export function useKeys(help: () => void) {
  useEffect(() => {
    let before = "";
    function pressed(event: KeyboardEvent) {
      const at = event.target as HTMLElement;
      if (!on() || event.ctrlKey || event.metaKey || event.altKey || at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) || at.closest("[role=combobox],[role=listbox],.ant-modal,.ant-drawer")) return;
      const key = event.key;
      const first = before;
      before = key === "g" ? "g" : "";
      if (first === "g" && GOES[key]) go(GOES[key]);
      else if (key === "/") document.querySelector<HTMLInputElement>(".filters input[type=search], .filters .ant-input-search input, .filters input.ant-input")?.focus();
      else if (key === "[") step(-1);
      else if (key === "]") step(1);
      else if (key === "n") document.querySelector<HTMLElement>(".page-actions .ant-btn-primary")?.click();
      else if (key === "t") toggleTheme();
      else if (key === "p") print();
      else if (key === "?") help();
      else return;
      event.preventDefault();
    }
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [help]);
}

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [enabled, setEnabled] = useState(on);
  return (
    <Modal open={open} onCancel={onClose} footer={null} title={t("keys")} width={520}>
      <dl className="key-list">
        {LISTED.map(([keys, label]) => (
          <div key={label}>
            <dt>
              {keys.map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{t(label)}</dd>
          </div>
        ))}
      </dl>
      <label className="inline">
        <Switch
          size="small"
          checked={enabled}
          onChange={(value) => {
            localStorage.setItem(STORED, value ? "on" : "off");
            setEnabled(value);
          }}
        />
        {t("keys.on")}
      </label>
    </Modal>
  );
}
