/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file html_page.h
 * The page that an HTML report is made of, in the two parts between which the data stand. It is built
 * from bridge/export/report.
 */
#ifndef TTB_EXPORT_HTML_PAGE_H
#define TTB_EXPORT_HTML_PAGE_H

#include <ttbridge/trace.h>

/* @return false if this library was built without the page */
bool ttb__html_page(struct ttb_trace_bytes *before, struct ttb_trace_bytes *after);

#endif
