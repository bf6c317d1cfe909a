// The few pieces every page is made of.
import { type ReactNode, useEffect, useId, useRef, useState, useSyncExternalStore } from "react";
import { Glyph } from "../shared/glyph";
import { Refused } from "../shared/api";
import { either, t } from "../shared/language";
import { follow } from "../shared/router";

export function useOnline(): boolean {
  return useSyncExternalStore(
    (listener) => {
      addEventListener("online", listener);
      addEventListener("offline", listener);
      return () => {
        removeEventListener("online", listener);
        removeEventListener("offline", listener);
      };
    },
    () => navigator.onLine,
  );
}

export function Link({ to, className, children, label }: { to: string; className?: string; children: ReactNode; label?: string }) {
  return (
    <a href={to} onClick={follow} className={className} aria-label={label}>
      {children}
    </a>
  );
}

export function Card({ title, aside, children, className = "", id }: { title?: ReactNode; aside?: ReactNode; children: ReactNode; className?: string; id?: string }) {
  return (
    <section className={`card ${className}`} id={id} tabIndex={id ? -1 : undefined}>
      {title && (
        <header>
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

/** A service's sentence is in both languages, English first; the one that is read. */
export function inOne(both: string): string {
  const [, english, chinese] = /^(.*?[.!?]) (\p{Script=Han}.*)$/u.exec(both) ?? [];
  return english && chinese ? either(chinese, english) : both;
}

export function Wrong({ error, again }: { error: Error; again?: () => void }) {
  return (
    <p className="wrong" role="alert">
      <Glyph name="warning" size={18} />
      <span>
        {error.message || t("app.part.failed")}
        {error instanceof Refused && error.violations.map((one) => <small key={one.path}>{inOne(one.detail)}</small>)}
      </span>
      {again && (
        <button type="button" className="link" onClick={again}>
          {t("again")}
        </button>
      )}
    </p>
  );
}

export function Bones({ rows = 3 }: { rows?: number }) {
  return (
    <div className="bones" role="status" aria-label={t("app.loading")}>
      {Array.from({ length: rows }, (_, index) => (
        <i key={index} />
      ))}
    </div>
  );
}

/** A question with a few answers, one of which holds: native radio buttons under the skin. */
export function Choices<Value extends string>({ label, value, options, onChange, quiet = false, even }: {
  label: string;
  value: Value | "";
  options: readonly { value: Value; text: string }[];
  onChange: (value: Value) => void;
  quiet?: boolean;
  /** So many of one width beside each other, on a phone. */
  even?: number;
}) {
  const name = useId();
  return (
    <fieldset className={even ? `choices even${even}` : "choices"}>
      <legend className={quiet ? "hidden" : undefined}>{label}</legend>
      {options.map((option) => (
        <label key={option.value} className={option.value === value ? "on" : undefined}>
          <input type="radio" name={name} checked={option.value === value} onChange={() => onChange(option.value)} />
          {option.text}
        </label>
      ))}
    </fieldset>
  );
}

export function Check({ checked, onChange, children, note }: { checked: boolean; onChange: (checked: boolean) => void; children: ReactNode; note?: string }) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      <span>
        {children}
        {note && <small>{note}</small>}
      </span>
    </label>
  );
}

export function Counter({ label, unit, value, min, max, step, onChange, less, more }: {
  label: string;
  unit?: string;
  value: number;
  min: number;
  max: number;
  step: number;
  onChange: (value: number) => void;
  less: string;
  more: string;
}) {
  const id = useId();
  const within = (next: number) => onChange(Math.min(max, Math.max(min, next)));
  return (
    <div className="counter">
      <span>
        <label htmlFor={id}>{label}</label> {unit && <small id={`${id}-unit`}>{unit}</small>}
      </span>
      <button type="button" aria-label={less} disabled={value <= min} onClick={() => within(value - step)}>
        −
      </button>
      <input id={id} inputMode="numeric" aria-describedby={unit && `${id}-unit`} value={value} onChange={(event) => within(Number(event.target.value.replace(/\D/g, "").slice(0, 6)))} onFocus={(event) => event.target.select()} />
      <button type="button" aria-label={more} disabled={value >= max} onClick={() => within(value + step)}>
        +
      </button>
    </div>
  );
}

export function Field({ label, value, onChange, example, note, wrong, phone = false, long = false, max = 200 }: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  example?: string;
  note?: string;
  wrong?: string;
  phone?: boolean;
  long?: boolean;
  max?: number;
}) {
  const id = useId();
  const said = wrong || note;
  const shared = { id, value, placeholder: example, maxLength: max, "aria-describedby": said ? `${id}-said` : undefined, "aria-invalid": wrong ? true : undefined };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {long ? (
        <textarea {...shared} rows={3} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <input {...shared} type={phone ? "tel" : "text"} autoComplete="off" onChange={(event) => onChange(event.target.value)} />
      )}
      {said && (
        <small id={`${id}-said`} className={wrong ? "bad" : undefined}>
          {said}
        </small>
      )}
    </div>
  );
}

/** A sheet from below on a phone, a dialogue in the middle on a desk; the browser keeps the focus inside. */
export function Sheet({ title, onClose, children, foot }: { title: string; onClose: () => void; children: ReactNode; foot?: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const from = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => from?.focus?.();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="sheet"
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className="sheet-body">
        <header>
          <h2 id={heading}>{title}</h2>
          <button type="button" className="round" aria-label={t("app.close")} onClick={onClose}>
            <svg width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" aria-hidden="true">
              <path d="M6 6l12 12M18 6L6 18" />
            </svg>
          </button>
        </header>
        <div className="sheet-scroll">{children}</div>
        {foot && <footer>{foot}</footer>}
      </div>
    </dialog>
  );
}

/** What is known by name; what has no value is left out. */
export function Facts({ rows }: { rows: readonly [string, ReactNode][] }) {
  return (
    <dl>
      {rows
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

type Pages = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> };

/** A list that is all here, shown page by page: what is shown of it, and the rest for `More`. */
export function useShown<T>(list: readonly T[] | undefined, page: number): [readonly T[] | undefined, Pages] {
  const [pages, setPages] = useState(1);
  const shown = list?.slice(0, pages * page);
  const rest = { hasNextPage: (shown?.length ?? 0) < (list?.length ?? 0), isFetchingNextPage: false, fetchNextPage: async () => setPages(pages + 1) };
  return [shown, rest];
}

/** The rest of a list, when it is asked for. */
export function More({ list }: { list: Pages }) {
  if (!list.hasNextPage) return null;
  return (
    <button type="button" className="wide" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
      {t("load.more")}
    </button>
  );
}

type Notice = { text: string; id: number };
let notice: Notice | null = null;
const hearing = new Set<() => void>();

/** Says something once, to eyes and to screen readers. */
export function say(text: string) {
  const said = (notice = { text, id: (notice?.id ?? 0) + 1 });
  hearing.forEach((listener) => listener());
  setTimeout(() => {
    if (notice !== said) return;
    notice = null;
    hearing.forEach((listener) => listener());
  }, 4500);
}

export function Notices() {
  const shown = useSyncExternalStore(
    (listener) => {
      hearing.add(listener);
      return () => hearing.delete(listener);
    },
    () => notice,
  );
  return (
    <div className="notices" role="status" aria-live="polite">
      {shown && <p key={shown.id}>{shown.text}</p>}
    </div>
  );
}
