import { createRouter, createWebHistory, type RouteLocationNormalized } from "vue-router";

import SignInPage from "./signin/SignInPage.vue";
import { homes, recall, session } from "./session/session";
import type { Role } from "./api/types";

/** Read ahead by the centre's page: a wall must be able to show a task while the server is away or has new files. */
export const loadTaskPage = () => import("./task/TaskPage.vue");

const CENTRE: Role[] = ["centre", "admin", "bureau"];
const DRAWING: Role[] = ["admin", "bureau"];

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", component: SignInPage },
    { path: "/signin", component: SignInPage },
    {
      path: "/centre",
      component: () => import("./centre/CentrePage.vue"),
      meta: { roles: CENTRE },
      children: [{ path: "tasks/:id(\\d+)", component: loadTaskPage }],
    },
    {
      path: "/bureau",
      component: () => import("./bureau/BureauPage.vue"),
      meta: { roles: CENTRE },
      children: [
        { path: "", component: () => import("./bureau/StationsPage.vue") },
        { path: "stations/:mn", component: () => import("./bureau/StationPage.vue") },
        { path: "cameras", component: () => import("./cameras/CamerasPage.vue") },
        { path: "cameras/:id", component: () => import("./cameras/CameraPage.vue") },
        { path: "cameras/:id/zones", component: () => import("./cameras/zones/ZonesPage.vue"), meta: { roles: DRAWING } },
        { path: "exceedances", component: () => import("./bureau/ExceedancesPage.vue") },
        { path: "faults", component: () => import("./bureau/FindingsPage.vue") },
        { path: "rates", component: () => import("./bureau/RatesPage.vue") },
        { path: "reports", component: () => import("./reports/ReportsPage.vue") },
        { path: "visits", component: () => import("./bureau/VisitsPage.vue") },
        { path: "minor-list", component: () => import("./bureau/MinorListPage.vue") },
        { path: "enterprises/:id", component: () => import("./bureau/EnterprisePage.vue") },
        { path: "silences", component: () => import("./bureau/SilencesPage.vue") },
      ],
    },
    { path: "/officer", component: () => import("./officer/OfficerPage.vue"), meta: { roles: ["officer"] } },
    { path: "/officer/tasks/:id(\\d+)", component: () => import("./officer/OfficerPage.vue"), meta: { roles: ["officer"] } },
    { path: "/visit/:token", component: () => import("./visit/VisitPage.vue") },
    { path: "/w/:token", component: () => import("./visit/WarnedPage.vue") },
    { path: "/:missing(.*)*", component: () => import("./ui/MissingPage.vue") },
  ],
});

async function guard(to: RouteLocationNormalized) {
  const roles = to.meta.roles as Role[] | undefined;
  const entrance = to.path === "/" || to.path === "/signin";
  if (!roles && !entrance) return true;
  const who = await recall().catch(() => session.value);
  if (!who) return to.path === "/signin" ? true : { path: "/signin", query: entrance ? {} : { from: to.fullPath } };
  if (entrance || (roles && !roles.includes(who.role))) return homes[who.role];
  return true;
}

router.beforeEach(guard);
