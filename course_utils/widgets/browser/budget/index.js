import "./style.css";

import { view } from "../base/view.js";
import { BudgetExplorer } from "./explorer.js";
import { build } from "./view.js";

export default view(BudgetExplorer, build);
