import "./style.css";

import { view } from "../base/view.js";
import { RankExplorer } from "./explorer.js";
import { build } from "./view.js";

export default view(RankExplorer, build);
