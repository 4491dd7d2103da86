import { createApp } from "vue";

import { onSignedOut } from "./api/client";
import App from "./App.vue";
import { language, setLanguage } from "./i18n";
import { router } from "./router";
import { session } from "./session/session";
import "./styles/base.css";

setLanguage(language.value);
onSignedOut(() => {
  session.value = null;
  if (router.currentRoute.value.path !== "/signin") {
    void router.push({ path: "/signin", query: { from: router.currentRoute.value.fullPath, ended: "1" } });
  }
});
createApp(App).use(router).mount("#app");
