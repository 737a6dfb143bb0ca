"""The tabs of the page, a module each: it has a function ``build`` that adds the tab."""
