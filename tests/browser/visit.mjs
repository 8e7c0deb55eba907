// One person's visit in one look: the browser's page, and the checks that every page of ours must pass.

import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import axe from 'axe-core'
import { HtmlValidate } from 'html-validate'

const html = new HtmlValidate({
  extends: ['html-validate:recommended'],
  rules: {
    // The pages are written by a program, without breaks and without slashes.
    'void-style': 'off',
    'no-trailing-whitespace': 'off',
    'long-title': 'off',
    // Boxes of one question share a name, as radio buttons do.
    'form-dup-name': ['error', { shared: ['radio', 'checkbox', 'button', 'submit'] }],
  },
})

export class Visit {
  static async start(browser, server, work, { flow, look, language, id }, link) {
    const context = await browser.newContext({
      viewport: { width: look.width, height: look.height },
      deviceScaleFactor: look.scale ?? 1,
      colorScheme: look.scheme,
      javaScriptEnabled: look.javascript,
      // The other language: the person's own must win over the browser's.
      locale: language === 'fr' ? 'en-GB' : 'fr-FR',
      reducedMotion: 'reduce',
    })
    const page = await context.newPage()
    page.setDefaultTimeout(10_000)
    const visit = new Visit()
    Object.assign(visit, { context, page, server, work, flow, look, language, id, link, pages: 0, faults: [] })
    page.on('console', (message) => {
      // The status of a refused form is shown there too, and is as it should be.
      if (message.type() === 'error' && !message.text().includes('status of 4')) visit.faults.push(message.text())
    })
    page.on('pageerror', (error) => visit.faults.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url)) visit.faults.push(`asked ${request.url()}`)
    })
    await mkdir(path.join(work, 'screenshots'), { recursive: true })
    return visit
  }

  /** The words in the visit's language. */
  say(french, english) {
    return this.language === 'fr' ? french : english
  }

  /** Opens a link. */
  async open(link = this.link) {
    this.response = await this.page.goto(link)
  }

  /** Presses the one button or follows the one link of that name, and waits for the page it leads to. */
  async press(name, role = 'button') {
    const [response] = await Promise.all([
      this.page.waitForNavigation(),
      this.page.getByRole(role, { name, exact: true }).first().click(),
    ])
    this.response = response ?? this.response
  }

  /** Every check that holds for any page, and a screenshot. */
  async check(name, status = 200) {
    this.pages += 1
    assert.equal(this.response.status(), status, `${name}: status`)
    const headers = this.response.headers()
    assert.match(headers['content-security-policy'], /^default-src 'none'; style-src 'sha256-/, name)
    assert.equal(headers['referrer-policy'], 'no-referrer', name)
    assert.equal(headers['cache-control'], 'no-store', name)
    assert.equal(headers['x-robots-tag'], 'noindex', name)
    assert.equal(headers['x-frame-options'], 'DENY', name)
    assert.deepEqual(await this.context.cookies(), [], `${name}: cookies`)
    const source = await this.response.text()
    assert.match(source, new RegExp(`<html lang="${this.language}">`), `${name}: language`)
    const report = await html.validateString(source)
    const faults = report.results.flatMap((result) => result.messages.map((each) => `${each.ruleId}: ${each.message}`))
    assert.deepEqual(faults, [], `${name}: HTML`)
    const file = path.join(this.work, 'screenshots', `${this.flow.name}-${name}-${this.look.name}-${this.language}.png`)
    await this.page.screenshot({ path: file, fullPage: true })
    if (this.look.javascript) {
      const room = await this.page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
      assert.ok(room[0] <= room[1], `${name}: ${room[0]} wide in ${room[1]}`)
      // By the protocol and not by a tag: the page's policy lets no script in.
      await this.page.evaluate(`${axe.source}; undefined`)
      const found = await this.page.evaluate(() =>
        window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
      )
      const violations = found.violations.map((each) => `${each.impact} ${each.id}: ${each.nodes[0].html.slice(0, 160)}`)
      assert.deepEqual(violations, [], `${name}: axe`)
    }
    assert.deepEqual(this.faults, [], `${name}: console and network`)
  }

  /** Whether the page says so somewhere. */
  async says(words) {
    const text = (await this.page.locator('body').innerText()).replaceAll('\u00a0', ' ')
    assert.ok(text.includes(words), `the page does not say “${words}”`)
  }

  async end() {
    assert.deepEqual(this.faults, [], 'console and network')
    assert.ok(this.pages > 0, 'no page was checked')
  }

  async keepFailure() {
    const file = path.join(this.work, 'screenshots', `FAILED-${this.id}.png`)
    await this.page.screenshot({ path: file, fullPage: true }).catch(() => {})
  }

  async close() {
    await this.context.close()
  }
}
