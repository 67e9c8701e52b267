/** Lets the styles of a library apply under the policy: style elements get its nonce, and the text of a `style` attribute,
which the policy refuses, is set as properties, which it allows. */
const nonce = document.currentScript?.nonce ?? "";
const create = document.createElement.bind(document);
document.createElement = (name: string, options?: ElementCreationOptions) => {
  const made = create(name, options);
  if (made instanceof HTMLStyleElement) made.nonce = nonce;
  return made;
};

const set = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name: string, value: string) {
  if (name === "style" && "style" in this) (this as SVGElement).style.cssText = value;
  else set.call(this, name, value);
};
