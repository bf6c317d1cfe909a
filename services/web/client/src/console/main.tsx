import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App as Kit, ConfigProvider, theme as themes } from "antd";
import english from "antd/locale/en_US";
import chinese from "antd/locale/zh_CN";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import updateLocale from "dayjs/plugin/updateLocale";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Refused } from "../shared/api";
import { useLanguage } from "../shared/language";
import { useTheme } from "../shared/theme";
import "../shared/base.css";
import "./console.css";
import { Frame } from "./frame";

const nonce = document.querySelector<HTMLMetaElement>("meta[name=nonce]")?.content;
// some parts of the kit make a <style> to measure scrollbars and forget the nonce, which the page's policy then stops
const make = document.createElement.bind(document) as (name: string, options?: ElementCreationOptions) => HTMLElement;
document.createElement = ((name: string, options?: ElementCreationOptions) => {
  const made = make(name, options);
  if (nonce && name === "style") made.nonce = nonce;
  return made;
}) as typeof document.createElement;
// calendars begin with Monday in both languages, as rounds do
dayjs.extend(updateLocale);
dayjs.updateLocale("en", { weekStart: 1 });
const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5_000, retry: (count, error) => count < 2 && error instanceof Refused && (error.status === 0 || error.status >= 500) },
  },
});

function Root() {
  const language = useLanguage();
  const dark = useTheme() === "dark";
  return (
    <ConfigProvider
      csp={{ nonce }}
      button={{ autoInsertSpace: false }}
      locale={language === "zh" ? chinese : english}
      theme={{
        algorithm: dark ? themes.darkAlgorithm : themes.defaultAlgorithm,
        token: {
          colorPrimary: dark ? "#58b89b" : "#1f6f5c",
          colorLink: dark ? "#58b89b" : "#1f6f5c",
          colorInfo: dark ? "#5c94c4" : "#2f6690",
          colorSuccess: dark ? "#4fae84" : "#2c7d4f",
          colorWarning: dark ? "#d9a441" : "#a86a10",
          colorError: dark ? "#e0705f" : "#b8402f",
          colorBgLayout: "transparent",
          // the kit's own washes of these colours are muddy; they are those of base.css
          ...(dark
            ? { colorBgContainer: "#181e1b", colorBgElevated: "#1f2623", colorPrimaryBg: "#17332b", colorPrimaryBgHover: "#1d3f35", colorSuccessBg: "#17301f", colorWarningBg: "#33280f", colorErrorBg: "#3a1c17", colorInfoBg: "#15293a" }
            : { colorBgContainer: "#fffefc", colorBgElevated: "#fffefc", colorPrimaryBg: "#e3f0eb", colorPrimaryBgHover: "#d5e8e0", colorSuccessBg: "#e2f1e7", colorWarningBg: "#fbefd7", colorErrorBg: "#fae6e2", colorInfoBg: "#e2edf6" }),
          borderRadius: 8,
          fontSize: 14,
          colorTextDescription: dark ? "rgba(255,255,255,.62)" : "rgba(22,32,28,.66)",
          colorTextPlaceholder: dark ? "rgba(255,255,255,.6)" : "rgba(22,32,28,.68)",
          fontFamily: "var(--font)",
        },
        components: { Button: { primaryColor: dark ? "#08130f" : "#fff" }, Table: { headerBg: "transparent", cellPaddingBlockSM: 7 }, Tabs: { horizontalItemGutter: 24 } },
      }}
    >
      <Kit>
        <QueryClientProvider client={queries}>
          <Frame key={language} />
        </QueryClientProvider>
      </Kit>
    </ConfigProvider>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Root />
  </StrictMode>,
);
