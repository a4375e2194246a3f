import { join } from 'node:path'
import { inject } from 'vitest'

/** A source as JavaScript, for a process to run: `lib/index.js` (build-sources.ts). */
export const built = (file: string): string => join(inject('built'), file)
