#!/usr/bin/env node
// The AWS SDK warns of the end of Node 20 in each process; who runs a command has not asked.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
const { main } = await import('./cli.js')
process.exitCode = await main(process.argv.slice(2))
