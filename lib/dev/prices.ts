/** List prices, us-east-1, on demand, as read on 2026-10-01 from the public price pages of DynamoDB and Lambda (ARM). US dollars. */
export const PRICES = {
  asOf: '2026-10-01',
  writeUnit: 0.625 / 1e6,
  readUnit: 0.125 / 1e6,
  lambdaGbSecond: 0.0000133334,
  lambdaRequest: 0.2 / 1e6,
} as const

/** What a function is given: at 1,769 MB it has one whole CPU. */
export const MEMORY_GB = 1.769
