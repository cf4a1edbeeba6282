/** Takes the rendered page over, with the data that it was rendered with. */
import { hydrateRoot } from 'react-dom/client'
import { Page, type PageData } from './page.tsx'

const data = JSON.parse(document.querySelector('#data')!.textContent) as PageData

hydrateRoot(document.querySelector('#root')!, <Page {...data} />)
