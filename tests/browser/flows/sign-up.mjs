// From the public form to a confirmed subscription, of somebody whom the brand does not know yet.
export default {
  name: 'sign-up',
  brand: 'maison',
  async run(visit) {
    const { page, server, language } = visit
    const address = `new-${visit.id}@mail.example.com`
    const box = (name) => page.getByRole('checkbox', { name, exact: true })
    const send = () => visit.press(visit.say('M’inscrire', 'Sign up'))
    // Nobody knows yet which language they read, so it is the browser's.
    visit.language = language === 'fr' ? 'en' : 'fr'
    await visit.open(`${server.url}/s/maison`)
    await visit.check('form')
    await page.locator('#email').fill(address)
    await send()
    await visit.says(visit.say('Cochez au moins une chose', 'Tick at least one thing'))
    await visit.check('nothing-ticked', 400)
    await box(visit.say('Événements en boutique', 'Events in our shops')).check()
    await box(visit.say('par e-mail', 'by e-mail')).check()
    await page.locator('#language').selectOption(language)
    await send()
    await visit.says(visit.say('Regardez vos e-mails', 'Check your e-mail'))
    await visit.check('sent')

    visit.language = language
    await visit.open(await server.mailed(address, 'c'))
    await visit.says(visit.say('Événements en boutique (par e-mail)', 'Events in our shops (by e-mail)'))
    await visit.check('confirm')
    await visit.press(visit.say('Confirmer', 'Confirm'))
    await visit.says(visit.say('peut maintenant vous envoyer', 'may now send you'))
    await visit.check('confirmed')
    await visit.press(visit.say('Voir tous mes choix', 'See all my choices'), 'link')
    await visit.check('choices')
  },
}
