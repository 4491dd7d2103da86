export { bureau } from "./bureau";
export { cameras } from "./cameras";
export { commands } from "./commands";
export { evidence } from "./evidence";
export { faults } from "./faults";
export { pages } from "./pages";
export { reasons } from "./reasons";
export { words } from "./words";
