#!/usr/bin/env node
// The AWS SDK warns about the end of Node 20 support in each process. That warning does not help the user of a command.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
const { main } = await import('./cli.js')
process.exitCode = await main(process.argv.slice(2))
