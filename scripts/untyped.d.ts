/**
 * Stands for the types of large packages in `npm run package`, which checks nothing: to read them takes half of its
 * time. A declaration that needs one of them names it. `LONG=1 npx vitest run test/dev/init` compares the result with
 * that of `npm run build`.
 */
declare const untyped: any
export = untyped
