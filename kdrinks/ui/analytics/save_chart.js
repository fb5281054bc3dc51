// Saves a chart's own SVG as SVG or PNG, with the page's Korean font inside, so that Hangul renders on every machine.
// Streamlit passes neither Vega's export menu nor its view on; a click on [data-kd-chart] is handled here, in the browser alone.
(() => {
  if (window.kdSave) return;
  window.kdSave = true;
  const FONTS = [[400, "Pretendard-Regular.subset.woff2"], [700, "Pretendard-Bold.subset.woff2"]];
  const SCALE = 2;
  let faces;

  const asDataUrl = (blob) => new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });

  const fontFaces = () => (faces ??= Promise.all(FONTS.map(async ([weight, file]) => {
    const answer = await fetch(new URL(`app/static/fonts/${file}`, document.baseURI));
    const url = await asDataUrl(await answer.blob());
    return `@font-face{font-family:Pretendard;font-weight:${weight};src:url(${url}) format("woff2")}`;
  })).then((rules) => rules.join("")));

  const standalone = async (svg) => {
    const { width, height } = svg.getBoundingClientRect();
    const copy = svg.cloneNode(true);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    ground.setAttribute("width", "100%");
    ground.setAttribute("height", "100%");
    ground.setAttribute("fill", getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor);
    const style = document.createElementNS("http://www.w3.org/2000/svg", "style");
    style.textContent = await fontFaces();
    copy.prepend(style, ground);
    return { text: new XMLSerializer().serializeToString(copy), width, height };
  };

  const asPng = async ({ text, width, height }) => {
    const picture = new Image();
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = width * SCALE;
    canvas.height = height * SCALE;
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    // fonts inside a picture are ready one drawing after the picture itself
    await new Promise((resolve) => setTimeout(resolve, 100));
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-kd-chart]");
    if (!button) return;
    const { kdChart, kdKind } = button.dataset;
    const svg = document.querySelector(`.st-key-chart-${kdChart} [data-testid=stVegaLiteChart] svg.marks`);
    if (!svg) return;
    const drawing = await standalone(svg);
    const blob = kdKind === "png" ? await asPng(drawing) : new Blob([drawing.text], { type: "image/svg+xml" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `kdrinks-${kdChart}.${kdKind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
})();
