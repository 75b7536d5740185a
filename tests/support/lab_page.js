// What the tests need of JupyterLab's own interface (`window.jupyterapp`), inside of its page.
// Every promise has an end: a page that never answers is an error that says what was awaited.
window.lab = (() => {
  const PAUSE_MS = 20;

  /** The promise, or an error after `seconds` that says what did not come. */
  const within = (seconds, what, promise) => {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what}: not within ${seconds} s`)), seconds * 1e3);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  };

  const until = (seconds, what, isTrue) => {
    const poll = async () => {
      while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    };
    return within(seconds, what, poll());
  };

  const app = () => window.jupyterapp;
  const panels = new Map();
  const panel = (path) => panels.get(path);
  const kernel = (path) => panel(path).sessionContext.session?.kernel;

  /**
   * The server greets a new kernel on its control channel too, from whose thread a late "idle"
   * may come while a cell runs already: what is answered there after it ends the greeting.
   */
  const answered = (here) =>
    here.requestDebug({ type: "request", seq: 0, command: "debugInfo", arguments: {} }).done;

  /** The indicator of the page leads the kernel, so it is the connection that is asked. */
  const connected = (path, seconds) =>
    until(seconds, "a connected and idle kernel", () => {
      const { isReady } = panel(path).sessionContext;
      const here = kernel(path);
      return isReady && here?.connectionStatus === "connected" && here.status === "idle";
    }).then(() => within(seconds, "an answer on the control channel", answered(kernel(path))));

  /** Waits for JupyterLab, and leaves its whole width to the notebook. */
  async function started() {
    await until(60, "JupyterLab", () => app()?.shell);
    await within(60, "JupyterLab's layout", app().restored);
    app().shell.collapseLeft();
  }

  async function open(path, seconds) {
    const found = await within(
      seconds,
      `opening ${path}`,
      app().commands.execute("docmanager:open", { path, factory: "Notebook" }),
    );
    panels.set(path, found);
    await within(seconds, "the notebook's content", found.context.ready);
    await within(seconds, "a kernel", found.sessionContext.ready);
    await connected(path, seconds);
  }

  /** Takes the notebook that the page itself has opened, as Jupyter Notebook does. */
  async function adopt(path, seconds) {
    await until(seconds, "a notebook", () => app()?.shell?.currentWidget?.sessionContext);
    panels.set(path, app().shell.currentWidget);
    await connected(path, seconds);
  }

  function activate(path, index) {
    app().shell.activateById(panel(path).id);
    const { content } = panel(path);
    content.deselectAll();
    content.activeCellIndex = index;
    content.scrollToItem(index);
  }

  /** Runs a cell; true if it ended without an error. */
  async function run(path, index, seconds) {
    activate(path, index);
    const ran = app().commands.execute("notebook:run-cell");
    return seconds === null ? null : within(seconds, `the end of cell ${index}`, ran);
  }

  /** Restarts the kernel without the question whether one is sure. */
  async function restart(path, seconds) {
    await within(seconds, "a restart", kernel(path).restart());
    await connected(path, seconds);
  }

  /** The text that a Python expression gives in the kernel. */
  async function python(path, expression, seconds) {
    const asked = kernel(path).requestExecute({
      code: "",
      silent: true,
      store_history: false,
      user_expressions: { value: expression },
    });
    const { content } = await within(seconds, expression, asked.done);
    const found = content.user_expressions?.value;
    if (found?.status !== "ok") throw new Error(`${expression}: ${found?.ename}: ${found?.evalue}`);
    return found.data["text/plain"];
  }

  /** Closes a notebook without saving it, and its kernel with it. */
  async function close(path, seconds) {
    const closed = panel(path);
    panels.delete(path);
    if (!closed || closed.isDisposed) return;
    try {
      await within(seconds, "the kernel's end", closed.sessionContext.shutdown());
    } finally {
      closed.context.model.dirty = false;
      closed.dispose();
    }
  }

  /** What a cell shows, as text: streams, results without a picture, errors. */
  function text(path, index) {
    const { outputs } = panel(path).content.widgets[index].model;
    const lines = (value) => (Array.isArray(value) ? value.join("") : (value ?? ""));
    return outputs
      .toJSON()
      .map((shown) => {
        if (shown.output_type === "stream") return lines(shown.text);
        if (shown.output_type === "error") return `${shown.ename}: ${shown.evalue}\n`;
        return lines(shown.data?.["text/plain"]);
      })
      .join("");
  }

  return {
    open,
    adopt,
    run,
    restart,
    python,
    close,
    text,
    activate,
    connected,
    save: (path) => panel(path).context.save(),
    status: (path) => kernel(path)?.status ?? "none",
    running: (path, index) => panel(path).content.widgets[index].model.executionState === "running",
    interrupt: (path) => kernel(path).interrupt(),
    cells: (path) => panel(path).content.widgets.length,
    sources: (path) => panel(path).content.widgets.map((cell) => cell.model.sharedModel.source),
    id: (path) => panel(path).id,
    started,
    theme: (theme) => app().commands.execute("apputils:change-theme", { theme }),
  };
})();
