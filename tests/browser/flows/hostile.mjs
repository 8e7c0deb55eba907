// A brand whose words try to become part of the page.
import assert from 'node:assert/strict'

export default {
  name: 'hostile',
  brand: 'hostile',
  async run(visit) {
    const { page } = visit
    const inert = async () => {
      const elements = await page.locator('script, svg, img, b, i, iframe').count()
      assert.equal(elements, 0, 'words became elements')
      if (visit.look.javascript) assert.equal(await page.evaluate(() => typeof window.stolen), 'undefined')
    }
    await visit.open()
    await inert()
    await visit.check('opened')
    await visit.press(visit.say('Voir tous mes choix', 'See all my choices'), 'link')
    await inert()
    await page.locator('#quiet-from').fill('19:30')
    await visit.press(visit.say('Enregistrer mes choix', 'Save my choices'))
    await inert()
    await visit.check('refused', 422)
    const answer = await page.request.post(page.url(), { form: { save: 'all', cap: '<script>stolen=1</script>', quiet_from: '\u202e"><script>stolen=1</script>' + 'x'.repeat(10_000) } })
    assert.equal(answer.status(), 422)
    assert.ok(!(await answer.text()).includes('<script'))
  },
}
