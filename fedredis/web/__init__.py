"""The page: runs as they go, predictions, and the same as JSON.

Flask fills templates on the server, charts included: they are SVG, a few hundred bytes a line.
A script of some hundred lines replaces what has changed, woken up by the run's own events.

- `app`: all of it put together; `guard`: who is let in, and what a browser may do
- `pages`, `predicting`, `actions`, `api`, `stream`, `dashboard`: the routes
- `views`, `failures`, `answers`: what a page shows of a run; `pictures`: which charts of it,
  `charts`: where their lines and bars go
- `site`: what all of them share; `launches`: processes that were started from the page
- `serving`: the server
"""
