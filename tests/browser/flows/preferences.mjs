// Each part of the preference page: saved, shown again, refused where it is wrong, and the break.
import assert from 'node:assert/strict'

export default {
  name: 'preferences',
  brand: 'maison',
  async run(visit) {
    const { page } = visit
    const save = visit.say('Enregistrer mes choix', 'Save my choices')
    const box = (name) => page.getByRole('checkbox', { name, exact: true })
    await visit.open()
    await visit.press(visit.say('Voir tous mes choix', 'See all my choices'), 'link')
    await visit.check('opened')

    // Wrong, and everything that was typed is still there.
    const from = page.locator('#quiet-from')
    const news = page.getByRole('group', { name: visit.say('Événements en boutique', 'Events in our shops') })
    await news.getByRole('checkbox', { name: 'E-mail', exact: true }).check()
    await from.fill('19:30')
    await visit.press(save)
    await visit.says(visit.say('Rien n’a changé encore', 'Nothing was changed yet'))
    await visit.check('refused', 422)
    assert.equal(await from.inputValue(), '19:30')
    assert.ok(await news.getByRole('checkbox', { name: 'E-mail', exact: true }).isChecked())
    assert.equal(await from.getAttribute('aria-invalid'), null)
    assert.equal(await page.locator('#quiet-until').getAttribute('aria-invalid'), 'true')

    // Right: every part at once.
    await page.locator('#quiet-until').fill('09:00')
    await box(visit.say('Dimanche', 'Sunday')).check()
    await page.getByRole('radio', { name: visit.say('Au plus 1 message par mois', 'At most 1 message a month') }).check()
    await box(visit.say('La zone où j’habite', 'The area where I live')).uncheck()
    await page.locator('summary', { hasText: visit.say('Jardin et extérieur', 'Garden and outdoors') }).click()
    await box(visit.say('Barbecue', 'Barbecue')).check()
    await visit.press(save)
    await visit.says(visit.say('C’est enregistré', 'Saved, and in effect already'))
    await visit.check('saved')
    assert.ok(await news.getByRole('checkbox', { name: 'E-mail', exact: true }).isChecked())
    assert.equal(await page.locator('#quiet-until').inputValue(), '09:00')
    assert.ok(await box(visit.say('Dimanche', 'Sunday')).isChecked())
    assert.ok(await box('Barbecue').isChecked())
    assert.ok(!(await box(visit.say('La zone où j’habite', 'The area where I live')).isChecked()))

    // By the keyboard alone, where the page begins.
    if (visit.look.javascript) {
      await page.keyboard.press('Tab')
      await page.keyboard.press('Space')
      assert.equal(await page.evaluate(() => document.activeElement.name), 'on')
      await page.keyboard.press('Space')
    }

    await visit.press(visit.say('Faire une pause de 30 jours', 'Take a break of 30 days'))
    await visit.says(visit.say('En pause', 'On a break'))
    await visit.check('paused')
    await visit.press(visit.say('Reprendre maintenant', 'Resume now'))

    // The other language, from now on.
    const other = visit.say('English', 'Français')
    await page.getByRole('radio', { name: other }).check()
    await visit.press(save)
    visit.language = visit.language === 'fr' ? 'en' : 'fr'
    await visit.says(visit.say('C’est enregistré', 'Saved, and in effect already'))
    await visit.check('other-language')
  },
}
