import "./style.css";

import { view } from "../base/view.js";
import { CacheStepper } from "./explorer.js";
import { build } from "./view.js";

export default view(CacheStepper, build);
