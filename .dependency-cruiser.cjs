/** Arrows between rooms point down (design: ARCHITECTURE.md). `npm run verify` holds them. */
const room = (name) => `^lib/${name}/`
const PURE = '(base|time|window|aggregate|keyed|pipeline)'
const ADAPTERS = '(state|sources|sinks|queues|codecs|observe)'

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'base-imports-nothing',
      severity: 'error',
      from: { path: room('base'), pathNot: '^lib/base/digest[.]ts$' },
      to: { pathNot: room('base') },
    },
    {
      name: 'base-hashes-by-node',
      comment: 'One file of the base knows SHA-256, for names that must never meet.',
      severity: 'error',
      from: { path: '^lib/base/digest[.]ts$' },
      to: { pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'ports-are-interfaces',
      comment: 'Ports know nothing of who keeps or uses them.',
      severity: 'error',
      from: { path: room('ports') },
      to: { pathNot: `^lib/(ports|base)/` },
    },
    {
      name: 'pure-rooms-stay-pure',
      comment:
        'Time, windows, aggregates and keyed operators are synchronous arithmetic: no node:*, no runtime, no adapter. Of ports they know the types of nodes.',
      severity: 'error',
      from: { path: room('(time|window|aggregate|keyed)') },
      to: { pathNot: `^lib/(base|time|window|aggregate|keyed|ports)/` },
    },
    {
      name: 'pipeline-is-pure',
      severity: 'error',
      from: { path: room('pipeline') },
      to: { pathNot: `^lib/${PURE}/|^lib/ports/` },
    },
    {
      name: 'runtime-knows-no-adapter',
      comment: 'The runtime speaks to ports only.',
      severity: 'error',
      from: { path: room('runtime') },
      to: { pathNot: `^lib/(runtime|ports)/|^lib/${PURE}/|^(node:)?(zlib|buffer)$` },
    },
    {
      name: 'adapters-know-ports-and-base',
      severity: 'error',
      from: { path: room(ADAPTERS) },
      to: { path: '^lib/', pathNot: `^lib/(ports|base|aws)/|^lib/${ADAPTERS}/` },
    },
    {
      name: 'aws-is-below-the-adapters',
      severity: 'error',
      from: { path: room('aws') },
      to: { path: '^lib/', pathNot: '^lib/(ports|base|aws)/' },
    },
    {
      name: 'adapters-do-not-mix',
      comment: 'A store knows no source, a source no sink. What those of AWS share is in lib/aws.',
      severity: 'error',
      from: { path: '^lib/(state|sources|sinks|queues|codecs|observe)/' },
      to: { path: '^lib/(state|sources|sinks|queues|codecs|observe)/', pathNot: '^lib/$1/' },
    },
    {
      name: 'testing-is-not-for-what-runs',
      comment: 'The simulator stands above all that it puts under test; only the laptop runs on some of its parts.',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/(testing|dev)/' },
      to: { path: room('testing') },
    },
    {
      name: 'testing-needs-no-client',
      severity: 'error',
      from: { path: room('testing') },
      to: { path: '^lib/(dev|aws|sinks|state/(lmdb|dynamodb))/' },
    },
    {
      name: 'handlers-do-not-know-dev',
      severity: 'error',
      from: { path: room('(handlers|lambda)') },
      to: { path: '^lib/dev/' },
    },
    {
      name: 'lambda-is-for-functions',
      comment: 'What the environment binds is for entry points; a stack knows the names of its variables.',
      severity: 'error',
      from: { path: '^(lib|infra)/', pathNot: '^lib/lambda/' },
      to: { path: room('lambda'), pathNot: '^lib/lambda/environment[.]ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'cost-is-arithmetic',
      severity: 'error',
      from: { path: room('cost') },
      to: { pathNot: '^lib/(cost|base|pipeline|ports)/' },
    },
    {
      name: 'stacks-read-plans',
      comment:
        'The constructs read a pipeline, never the runtime: a stack must not load a client, nor a function a stack.',
      severity: 'error',
      from: { path: '^infra/' },
      to: {
        path: '^lib/',
        pathNot: '^lib/(base|pipeline|ports|cost)/|^lib/lambda/environment[.]ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'nobody-needs-a-stack',
      severity: 'error',
      from: { path: '^(lib|functions)/' },
      to: { path: '^infra/|node_modules/(aws-cdk-lib|constructs|cdk-nag)/' },
    },
    {
      name: 'packages-where-they-belong',
      comment:
        'The core has no dependencies: the CLI has commander and tsx, the embedded store has lmdb, adapters their clients.',
      severity: 'error',
      from: {
        path: '^lib/',
        pathNot: '^lib/(dev|aws|state/(lmdb|dynamodb)|sinks/(dynamodb|s3)|queues/sqs|sources/(kinesis|kafka))/',
      },
      to: { path: 'node_modules' },
    },
    {
      name: 'not-to-tests',
      severity: 'error',
      from: { path: '^(lib|functions|infra|examples)/' },
      to: { path: '^(test|bench)/' },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // A project of its own: it uses the package.
    exclude: { path: '^examples/starter/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
}
