// Stands in for the native client of aws-lambda-ric, which needs a compiler to install: the same three calls over HTTP. Loaded before it by --require.
const http = require('node:http')
const Module = require('node:module')

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
/** The last post: the native client's calls are synchronous, so what follows must wait for it. */
let posted = Promise.resolve()

function call(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host, port, method, agent, headers, path: `/2018-06-01/runtime/invocation/${path}` }
    const request = http.request(options, (response) => {
      let bodyJson = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        bodyJson += chunk
      })
      response.on('end', () => resolve({ bodyJson, headers: response.headers }))
    })
    request.on('error', reject).end(body)
  })
}

const exit = process.exit
process.exit = (code) => {
  posted.finally(() => exit(code))
}

const client = {
  initializeClient: () => undefined,
  next: async () => {
    await posted
    return await call('GET', 'next')
  },
  done: (id, body) => {
    posted = call('POST', `${id}/response`, body, { 'content-type': 'application/json' })
  },
  error: (id, body) => {
    posted = call('POST', `${id}/error`, body, { 'content-type': 'application/json' })
  },
}

const load = Module._load
Module._load = function (request, ...rest) {
  return request === './rapid-client.node' ? client : load.call(this, request, ...rest)
}
