import { lmdbStore } from '../../lib/state/lmdb/index.js'

/**
 * Another process on the same directory. It prints a line when it is ready, and one for each call that was
 * acknowledged: the first number of the keys of the call, and then who won each of them (1) or lost it (0). After a
 * call that failed, it closes the store and ends.
 */
const [dir, name, total, perCall] = process.argv.slice(2)
const store = await lmdbStore(dir!)
const filling = new Uint8Array(200)
console.log('ready')
await new Promise((resolve) => process.stdin.once('data', resolve))
for (let first = 0; first < Number(total); first += Number(perCall)) {
  const items = Array.from({ length: Number(perCall) }, (_, i) => ({
    pk: 'race',
    sk: String(first + i).padStart(8, '0'),
    by: name!,
    filling,
  }))
  const verdicts = await store.insert(items).catch((error) => {
    console.log(`failed ${error.code}: ${error.message}`)
    return undefined
  })
  if (!verdicts) break
  console.log(`${first} ${verdicts.map((verdict) => (verdict === 'inserted' ? 1 : 0)).join('')}`)
}
await store.close()
process.exit(0)
