// The few pictures both clients use, drawn here so that no icon font is loaded.
const PATHS = {
  rounds: "M4 7h16M4 12h10M4 17h7M18 14v6M15 17h6",
  requests: "M4 5h16v11H9l-5 4z",
  experts: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-6 8-6s7 2 8 6",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20c1-4 3.5-6 7-6s6 2 7 6",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  plus: "M12 5v14M5 12h14",
  check: "M5 12.5l4.5 4.5L19 7",
  place: "M12 21c4-5 7-8 7-12a7 7 0 1 0-14 0c0 4 3 7 7 12zM12 11.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2",
  phone: "M6 3h4l1.5 5-2.5 1.5a11 11 0 0 0 5.5 5.5L16 12.5l5 1.5v4a2 2 0 0 1-2 2A16 16 0 0 1 4 5a2 2 0 0 1 2-2z",
  calendar: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  star: "M12 3.5l2.600 5.400 5.900.800-4.300 4.100 1 5.900L12 16.900l-5.200 2.800 1-5.900L3.5 9.700l5.900-.800z",
  warning: "M12 4l9 16H3zM12 10v4M12 17v.5",
  pin: "M9 3h6l-1 6 4 4H6l4-4zM12 13v8",
  pen: "M4 20l1-4L16.5 4.5a2 2 0 0 1 3 3L8 19zM14 7l3 3M12 20h8",
  sheet: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
  print: "M7 8V3h10v5M5 8h14v8h-3v5H8v-5H5z",
} as const;

export function Glyph({ name, size = 20 }: { name: keyof typeof PATHS | "brand"; size?: number }) {
  if (name === "brand") return <img src="/static/icon.svg" alt="" width={28} height={28} />;
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={1.7} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
