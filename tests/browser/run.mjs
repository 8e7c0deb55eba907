// node run.mjs <apropos-local> <work directory> [words of flow names]
//
// A flow is a file in flows/ with `name`, `brand` and `async run(visit)`. Each runs once for every look and language, with
// a person of its own who has just been sent a message; `visit` is described in visit.mjs.

import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { startServer } from './server.mjs'
import { Visit } from './visit.mjs'

const [binary, work, ...only] = process.argv.slice(2)

const LOOKS = [
  { name: 'phone-light', width: 320, height: 640, scheme: 'light', javascript: true },
  { name: 'phone-dark-nojs', width: 320, height: 640, scheme: 'dark', javascript: false },
  { name: 'desk-dark', width: 1280, height: 900, scheme: 'dark', javascript: true },
  { name: 'desk-light-nojs', width: 1280, height: 900, scheme: 'light', javascript: false },
  // A desk at 200 %: half the room, twice the size.
  { name: 'desk-200', width: 640, height: 450, scheme: 'light', javascript: true, scale: 2 },
]
const LANGUAGES = ['fr', 'en']

const directory = fileURLToPath(new URL('./flows/', import.meta.url))
const files = (await readdir(directory)).filter((name) => name.endsWith('.mjs')).sort()
const flows = (await Promise.all(files.map((file) => import(`./flows/${file}`))))
  .map((module) => module.default)
  .filter((flow) => only.length === 0 || only.some((word) => flow.name.includes(word)))

const cases = flows.flatMap((flow) =>
  LOOKS.flatMap((look) => LANGUAGES.map((language) => ({ flow, look, language, id: `${flow.name}-${look.name}-${language}` }))),
)

const server = await startServer(binary, work)
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ],
})
let failed = 0
try {
  const links = await server.writeTo(cases)
  for (const each of cases) {
    const visit = await Visit.start(browser, server, work, each, links.get(each.id))
    try {
      await each.flow.run(visit)
      await visit.end()
      console.log(`ok      ${each.id} (${visit.pages} pages)`)
    } catch (error) {
      failed += 1
      await visit.keepFailure()
      console.log(`FAILED  ${each.id}: ${error.message}`)
    } finally {
      await visit.close()
    }
  }
} finally {
  await browser.close()
  await server.stop()
}
console.log(`\n${cases.length - failed} passed, ${failed} failed; screenshots in ${work}/screenshots`)
process.exitCode = failed === 0 ? 0 : 1
