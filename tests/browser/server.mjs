// The whole stack on one machine, with brands of our own, and the messages that it sends.

import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const BRANDS = ['maison', 'hostile']

/** Starts it on a free port, and waits until it serves. */
export async function startServer(binary, work) {
  const data = path.join(work, 'data')
  await mkdir(data, { recursive: true })
  const args = ['serve', '--port', '0', '--data', data]
  for (const brand of BRANDS) {
    const settings = JSON.parse(await readFile(fileURLToPath(new URL(`./brands/${brand}.json`, import.meta.url))))
    const file = path.join(work, `${brand}.json`)
    await writeFile(file, JSON.stringify({ ...settings, quiet: farFromNow() }))
    args.push('--brand', file)
  }
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.on('data', (chunk) => (log += chunk))
  let said = ''
  const url = await new Promise((resolve, reject) => {
    child.on('exit', () => reject(new Error(`the stack ended: ${log}`)))
    child.stdout.on('data', (chunk) => {
      said += chunk
      const serving = /Serving on (\S+),/.exec(said)
      if (serving) resolve(serving[1])
    })
  })
  const keys = new Map(BRANDS.map((brand) => [brand, new RegExp(`${brand}: API key (\\S+)`).exec(said)[1]]))
  return new Server(child, url, keys, data)
}

/** Quiet hours that a test never falls into: a minute, half a day away. */
function farFromNow() {
  const at = (ms) => new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Paris', hour: '2-digit', minute: '2-digit' }).format(ms)
  const half = Date.now() + 12 * 3_600_000
  return { from: at(half), until: at(half + 60_000) }
}

class Server {
  constructor(child, url, keys, data) {
    Object.assign(this, { child, url, keys, data })
  }

  /** A call of the API in a brand's name. */
  async call(brand, path, body) {
    const answer = await fetch(`${this.url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${this.keys.get(brand)}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
    return JSON.parse(text)
  }

  /** Makes a person for each case and sends them a message; gives the unsubscribe link of each. */
  async writeTo(cases) {
    for (const brand of new Set(cases.map((each) => each.flow.brand))) {
      const people = cases.filter((each) => each.flow.brand === brand)
      await this.call(brand, '/v1/customers', {
        customers: people.map(({ id, language }) => ({
          customer: id,
          contact: { email: `${id}@mail.example.com`, language },
          home: { commune: '69123' },
          interests: ['exhibition-tickets'],
        })),
      })
      for (const { id, language } of people) {
        await this.call(brand, '/v1/consents', {
          events: ['email.offers', 'sms.offers', 'profiling', 'home_location'].map((purpose) => grant(id, purpose, language)),
        })
      }
      const text = { fr: 'Pour vous', en: 'For you' }
      await this.call(brand, '/v1/offers', {
        id: 'expo', title: text, text, link: 'https://shop.example.com/expo', category: 'exhibition-tickets',
        uses: [{ attribute: 'interests', because: text }],
        window: { from: new Date(Date.now() - 86_400_000).toISOString(), until: new Date(Date.now() + 30 * 86_400_000).toISOString() },
      })
      await this.call(brand, '/v1/campaigns', {
        id: 'expo', offer: 'expo', topic: 'offers', goal: 'inform', threshold_bp: 1_000, minimum_evidence_bp: 1_000,
      })
      await this.call(brand, '/v1/campaigns/expo/launch', {})
    }
    for (let tries = 0; tries < 600; tries += 1) {
      const links = await this.links()
      if (cases.every(({ id }) => links.has(id))) return links
      await wait(100)
    }
    throw new Error('not everybody was written to')
  }

  /** The unsubscribe link of each message in the outbox, by customer. */
  async links() {
    const links = new Map()
    const outbox = path.join(this.data, 'outbox')
    const files = await readdir(outbox, { recursive: true }).catch(() => [])
    for (const file of files.filter((name) => name.endsWith('.eml'))) {
      const [head] = (await readFile(path.join(outbox, file), 'utf8')).split(/\r?\n\r?\n/, 1)
      const headers = head.replace(/\r?\n[ \t]+/g, ' ')
      const to = /^To:.*?([\w.-]+)@mail\.example\.com/im.exec(headers)
      const link = /^List-Unsubscribe: <([^>]+)>/im.exec(headers)
      if (to && link) links.set(to[1], link[1].replaceAll(' ', ''))
    }
    return links
  }

  /** The link to a page in the message to an address that has one, once it is there. */
  async mailed(address, page) {
    const outbox = path.join(this.data, 'outbox')
    const found = new RegExp(`${this.url}/${page}/[\\w/-]+`)
    for (let tries = 0; tries < 300; tries += 1) {
      const files = await readdir(outbox, { recursive: true }).catch(() => [])
      for (const file of files.filter((name) => name.endsWith('.eml'))) {
        const mail = await readFile(path.join(outbox, file), 'utf8')
        if (!mail.includes(`\r\nTo: ${address}\r\n`)) continue
        // Quoted-printable: a line that goes on ends in "=".
        const link = found.exec(mail.replaceAll('=\r\n', ''))
        if (link) return link[0]
      }
      await wait(100)
    }
    throw new Error(`no link to ${page} came`)
  }

  async stop() {
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGINT')
    await ended
  }
}

function grant(customer, purpose, language) {
  const hash = '5f0c1ad7'.repeat(8)
  return {
    customer, event: `yes-${purpose.replace('.', '-')}`, purpose, act: 'grant', actor: 'customer',
    effective_at: new Date(Date.now() - 60_000).toISOString(),
    evidence: {
      affirmative_action: 'ticked_box', method: 'web_form', source: '/join',
      notice: { id: 'privacy', version: '2026-03', hash, language },
    },
  }
}
