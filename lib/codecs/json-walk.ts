const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** An array, with the index of the current element, or an object, with the name of the current member. */
interface Level {
  readonly isArray: boolean
  index: number
  name: string
  wantsName: boolean
  names: Set<string> | undefined
}

/** Callbacks of a walk. Each of them ends the walk by returning true. */
export interface JsonVisitor {
  /** Called for each number; its literal is in the text from `from` to `to`. */
  number(from: number, to: number): boolean
  /** Called if a member's name occurred before in its object. Names are only recorded if this callback is set. */
  doubled?(): boolean
}

const CHARS_SHOWN = 60
const NAME = /^[A-Za-z_$][\w$-]{0,39}$/

/**
 * Walks a text that JSON.parse has accepted, without recursion. It is much slower than parsing, so it is only used for
 * records that may break a rule.
 */
export class JsonWalk {
  private readonly text: string
  private readonly levels: Level[] = []

  constructor(text: string) {
    this.text = text
  }

  /**
   * The current place of the walk, as a JSON path. A name that is not a plain word may be data, so it is shown as a
   * star. A long path is cut and ends in an ellipsis.
   */
  get path(): string {
    let path = '$'
    for (const { isArray, index, name } of this.levels) {
      path += isArray ? `[${index}]` : NAME.test(name) ? `.${name}` : '.*'
      if (path.length > CHARS_SHOWN) return `${path.slice(0, CHARS_SHOWN)}…`
    }
    return path
  }

  walk(visitor: JsonVisitor): void {
    const { text, levels } = this
    let level: Level | undefined
    for (let i = 0; i < text.length; i++) {
      const char = text.charCodeAt(i)
      switch (char) {
        case QUOTE: {
          const end = stringEnd(text, i)
          if (level?.wantsName) {
            level.name = nameOf(text, i, end)
            if (visitor.doubled !== undefined && isDoubled(level) && visitor.doubled()) return
          }
          i = end - 1
          break
        }
        case OPEN_OBJECT:
        case OPEN_ARRAY: {
          const isArray = char === OPEN_ARRAY
          level = { isArray, index: 0, name: '', wantsName: !isArray, names: undefined }
          levels.push(level)
          break
        }
        case CLOSE_OBJECT:
        case CLOSE_ARRAY:
          levels.pop()
          level = levels.at(-1)
          break
        case COMMA:
          if (level!.isArray) level!.index++
          else level!.wantsName = true
          break
        case COLON:
          level!.wantsName = false
          break
        default:
          if (char !== 0x2d && (char < 0x30 || char > 0x39)) break
          {
            const end = numberEnd(text, i)
            if (visitor.number(i, end)) return
            i = end - 1
          }
      }
    }
  }
}

/** The index after the closing quote of the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (char === QUOTE) return i + 1
    if (char === BACKSLASH) i++
  }
  return text.length
}

function numberEnd(text: string, from: number): number {
  let i = from + 1
  for (; i < text.length; i++) {
    const char = text.charCodeAt(i)
    // Digits, '+', '-', '.', and the letters of an exponent.
    if ((char < 0x30 || char > 0x39) && char !== 0x2b && char !== 0x2d && char !== 0x2e && (char | 0x20) !== 0x65) break
  }
  return i
}

function nameOf(text: string, from: number, to: number): string {
  const name = text.slice(from + 1, to - 1)
  return name.includes('\\') ? (JSON.parse(text.slice(from, to)) as string) : name
}

function isDoubled(level: Level): boolean {
  level.names ??= new Set()
  const { size } = level.names
  return level.names.add(level.name).size === size
}
