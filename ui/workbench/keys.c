#include "ui/workbench/keys.h"

const struct key_binding *key_find(int key, enum view_id view) {
    for (int i = 0; i < key_binding_count; i++)
        if (key_bindings[i].key == key && key_bindings[i].views >> view & 1)
            return &key_bindings[i];
    return NULL;
}

enum action key_action(int key, enum view_id view) {
    const struct key_binding *found = key_find(key, view);
    return found ? found->action : ACTION_NONE;
}
