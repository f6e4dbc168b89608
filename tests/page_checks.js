// What a page must be for everybody, looked at where it is rendered: contrast (WCAG 1.4.3), headings, tables, width.
(() => {
  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const parsed = (text) => (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) =>
    0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parsed(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const drawn = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight, 10) >= 700);
    const [front, back] = [light(parsed(drawn)), light(behind(element))];
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${walker.currentNode.data.trim().slice(0, 40)} ${ratio.toFixed(2)}`);
  }
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map((one) => Number(one.tagName[1]));
  const tables = [...document.querySelectorAll("table")].filter(
    (one) =>
      !one.caption || !one.caption.textContent.trim() || ![...one.querySelectorAll("th")].every((th) => th.scope) ||
      !one.querySelector("th"),
  );
  const figures = [...document.querySelectorAll("svg, img")].filter(
    (one) => one.getAttribute("aria-hidden") !== "true" && !one.getAttribute("aria-label") && !one.querySelector("title") &&
      !one.alt && !one.getAttribute("aria-labelledby"),
  );
  const handlers = [...document.querySelectorAll("*")].filter((one) => [...one.attributes].some((a) => a.name.startsWith("on")));
  const root = document.scrollingElement;
  return {
    lang: document.documentElement.lang,
    title: document.title,
    viewport: Boolean(document.querySelector("meta[name=viewport]")),
    faint,
    levels,
    skipped: levels.filter((one, place) => (place ? one > levels[place - 1] + 1 : one !== 1)).length,
    tables: tables.length,
    mains: document.querySelectorAll("main").length,
    figures: figures.length,
    scripts: document.scripts.length + handlers.length,
    wide: Math.max(0, root.scrollWidth - root.clientWidth),
  };
})();
