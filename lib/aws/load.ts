import { ConfigError } from '../base/index.js'

/**
 * Loads an adapter whose client is an optional package. If the package is missing, the error names it and the command
 * that installs it.
 */
export async function load<M>(what: string, name: string, loading: () => Promise<M>): Promise<M> {
  try {
    return await loading()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new ConfigError('missing-package', `${what} needs the package ${name}: npm install ${name}.`, {
      cause: error,
    })
  }
}
