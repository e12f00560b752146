#include "experiment/experiment_parts.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

// What the events seen so far amount to.
struct scan {
    int depth, documents;
    yaml_mark_t *at;
    struct error *error;
};

// An event that no experiment needs: `what` says why, and what to do instead.
static bool refuse(struct scan *s, const yaml_event_t *event, const char *what) {
    *s->at = event->start_mark;
    return error_set(s->error, "%s", what);
}

static bool scan_properties(struct scan *s, const yaml_event_t *event, const yaml_char_t *anchor,
                            const yaml_char_t *tag) {
    if (anchor)
        return refuse(s, event,
                      "anchors (&) are not allowed; write the value out, "
                      "or put a text that starts with & in quotes");
    if (tag)
        return refuse(s, event,
                      "tags (!) are not allowed; leave it out, "
                      "or put a text that starts with ! in quotes");
    return true;
}

static bool scan_scalar(struct scan *s, const yaml_event_t *event) {
    const char *value = (const char *)event->data.scalar.value;
    if (strlen(value) != event->data.scalar.length || !experiment_text_printable(value))
        return refuse(s, event,
                      "a text must be one line without control characters; "
                      "remove line breaks, tabs and escapes from it");
    return scan_properties(s, event, event->data.scalar.anchor, event->data.scalar.tag);
}

static bool scan_start(struct scan *s, const yaml_event_t *event, const yaml_char_t *anchor,
                       const yaml_char_t *tag) {
    if (++s->depth > DEPTH_MAX)
        return refuse(s, event, "too deeply nested; an experiment has sections, keys and lists");
    return scan_properties(s, event, anchor, tag);
}

static bool scan_event(struct scan *s, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return ++s->documents == 1 ||
               refuse(s, event, "a second document begins here; keep one experiment per file");
    case YAML_ALIAS_EVENT:
        return refuse(s, event,
                      "aliases (*) are not allowed; write the value out, "
                      "or put a text that starts with * in quotes");
    case YAML_SCALAR_EVENT:
        return scan_scalar(s, event);
    case YAML_SEQUENCE_START_EVENT:
        return scan_start(s, event, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return scan_start(s, event, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        s->depth--;
        return true;
    default:
        return true;
    }
}

// Line and column of a byte.
static yaml_mark_t mark_of(const char *data, size_t offset) {
    yaml_mark_t mark = {.index = offset};
    for (size_t i = 0; i < offset; i++) {
        mark.line += data[i] == '\n';
        mark.column = data[i] == '\n' ? 0 : mark.column + ((data[i] & 0xc0) != 0x80);
    }
    return mark;
}

// What to try, by libyaml's own words for where it was.
static const char *advice(const yaml_parser_t *parser) {
    if (parser->error == YAML_READER_ERROR)
        return "save the file as UTF-8 text";
    if (strstr(parser->problem, "cannot start any token"))
        return "indent with spaces, not tabs, and put a text that starts with % @ or ` in quotes";
    if (parser->context && strstr(parser->context, "an alias"))
        return "put a text that starts with * in quotes";
    return "check the indentation, brackets and quotes here and on the line before";
}

static bool syntax_error(const yaml_parser_t *parser, const char *data, size_t size,
                         yaml_mark_t *at, struct error *error) {
    if (parser->error == YAML_MEMORY_ERROR)
        abort();
    size_t offset = parser->problem_offset < size ? parser->problem_offset : size;
    bool reader = parser->error == YAML_READER_ERROR;
    *at = reader ? mark_of(data, offset) : parser->problem_mark;
    return error_set(error, "%s%s%s; %s", parser->context ? parser->context : "",
                     parser->context ? ": " : "", parser->problem, advice(parser));
}

static void parser_open(yaml_parser_t *parser, const char *data, size_t size) {
    if (!yaml_parser_initialize(parser))
        abort(); // out of memory
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)data, size);
}

// Goes through the events, where anchors and tags can still be seen and depth costs nothing.
static bool scan_all(struct scan *s, const char *data, size_t size) {
    yaml_parser_t parser;
    parser_open(&parser, data, size);
    bool good = true, end = false;
    while (good && !end) {
        yaml_event_t event;
        good = yaml_parser_parse(&parser, &event);
        if (!good) {
            syntax_error(&parser, data, size, s->at, s->error);
            break;
        }
        good = scan_event(s, &event);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return good;
}

bool experiment_yaml_load(yaml_document_t *document, const char *data, size_t size, yaml_mark_t *at,
                          struct error *error) {
    text_skip_mark(&data, &size); // it would shift libyaml's first column
    struct scan scan = {.at = at, .error = error};
    if (!scan_all(&scan, data, size))
        return false;
    yaml_parser_t parser;
    parser_open(&parser, data, size);
    if (!yaml_parser_load(&parser, document))
        abort(); // the scan found no fault, so memory is out
    yaml_parser_delete(&parser);
    return true;
}
