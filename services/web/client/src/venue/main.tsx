// The app of those who ask and those who serve: a shell that opens at once, and pages that load when they are looked at.
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, StrictMode, Suspense, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { Refused } from "../shared/api";
import { Whole, part } from "../shared/fresh";
import { speak, t, useLanguage } from "../shared/language";
import { usePlace } from "../shared/router";
import { type Session, session } from "../shared/session";
import "../shared/theme";
import "../shared/base.css";
import "./venue.css";
import { Frame } from "./frame";
import { Home } from "./home";
import { onSent, startOutbox } from "./outbox";
import { Bones, Wrong } from "./parts";
import { Who, ended, isExpert, mayFile, whoIsThere } from "./who";
import { venueWords } from "./words";

speak(venueWords);

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: ended }),
  mutationCache: new MutationCache({ onError: ended }),
  defaultOptions: {
    queries: {
      networkMode: "always",
      staleTime: 15_000,
      retry: (count, error) => count < 2 && error instanceof Refused && (error.status === 0 || error.status >= 500),
      retryDelay: (count) => 500 * 2 ** count,
    },
  },
});

const Filing = part(() => import("./filing"));
const RequestPage = part(() => import("./request"));
const Me = part(() => import("./me"));
const Offers = part(() => import("./expert").then((part) => ({ default: part.Offers })));
const Limits = part(() => import("./expert").then((part) => ({ default: part.Limits })));
const Served = part(() => import("./expert").then((part) => ({ default: part.Served })));

function page(path: string, who: Session): ReactNode {
  const parts = path.split("/").slice(2).filter(Boolean);
  const [first, id, verb] = parts;
  if (!first) return isExpert(who) && !mayFile(who) ? <Offers /> : <Home />;
  if (first === "new" && !id) return <Filing key="new" />;
  if (first === "requests" && id && !verb) return <RequestPage key={id} id={id} />;
  if (first === "requests" && id && (verb === "edit" || verb === "change")) return <Filing key={path} id={id} change={verb === "change"} />;
  if (first === "limits" && !id) return <Limits />;
  if (first === "record" && !id) return <Served />;
  if (first === "me" && !id) return <Me />;
  return <h1 className="empty small">{t("page.none")}</h1>;
}

function App() {
  useLanguage();
  const { path } = usePlace();
  const [who, setWho] = useState<Session | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const open = () => {
    setError(null);
    whoIsThere().then(
      (found) => {
        if (!found) return; // on the way to the sign-in page
        setWho(found.who);
        startOutbox();
        if (!found.fresh) addEventListener("online", () => void session().catch(() => undefined), { once: true });
      },
      (failed: Error) => setError(failed),
    );
  };
  useEffect(open, []);
  useEffect(() => {
    const stop = onSent(() => void queries.invalidateQueries());
    return () => void stop();
  }, []);
  if (error)
    return (
      <main className="alone">
        <Wrong error={error} again={open} />
      </main>
    );
  if (!who) return <Frame who={null}><Bones rows={4} /></Frame>;
  return (
    <Who.Provider value={who}>
      <Frame who={who}>
        <Whole key={path}>
          <Suspense fallback={<Bones rows={4} />}>{page(path, who)}</Suspense>
        </Whole>
      </Frame>
    </Who.Provider>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);

if ("serviceWorker" in navigator) addEventListener("load", () => void navigator.serviceWorker.register("/app/sw.js", { scope: "/app" }).catch(() => undefined));
