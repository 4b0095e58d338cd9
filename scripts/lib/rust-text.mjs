// Reads Rust source text without a parser: blanks everything that is not code, and finds matching brackets.

/** Comments, strings and quoted characters become spaces, so that positions and lines stay. */
export function blank(text) {
  const quoted = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\bb?r(#*)"[\s\S]*?"\1|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[^']+|\\'|[^'\\\n])'/g
  return text.replace(quoted, spaces)
}

/** As many spaces, on as many lines. */
export const spaces = (text) => text.replace(/[^\n]/g, ' ')

/** Index of the bracket that closes the one at `from`, which is `[` or `{`; the text's length where none does. */
export function closing(code, from) {
  const [open, close] = code[from] === '{' ? '{}' : '[]'
  let depth = 0
  for (let i = from; i < code.length; i++) {
    if (code[i] === open) depth++
    else if (code[i] === close && --depth === 0) return i
  }
  return code.length
}
