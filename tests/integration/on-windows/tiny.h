#ifndef TINY_H
#define TINY_H

int tiny_echo(int number);

#endif
