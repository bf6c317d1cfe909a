// Light, dark, or as the device says; on paper always light.
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";
const STORED = "zhihui.theme";
const device = matchMedia("(prefers-color-scheme: dark)");
const paper = matchMedia("print");
const listeners = new Set<() => void>();

export function theme(): Theme {
  if (paper.matches) return "light";
  const chosen = localStorage.getItem(STORED);
  if (chosen === "light" || chosen === "dark") return chosen;
  return device.matches ? "dark" : "light";
}

function show() {
  document.documentElement.dataset.theme = theme();
  listeners.forEach((listener) => listener());
}
show();
device.addEventListener("change", show);
paper.addEventListener("change", show);

export function toggleTheme() {
  localStorage.setItem(STORED, theme() === "dark" ? "light" : "dark");
  show();
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, theme);
}
