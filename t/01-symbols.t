#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The module shows one symbol to the world; every extern symbol carries its
# folder's prefix (in base/ its file's) and is used outside its file.

use strict;
use warnings;
use FindBin;
use Test::More;

chdir "$FindBin::Bin/.." or die;
my $build = $ENV{ACME_BUILD} || 'build';

my @shown = map { (split)[2] }
    grep { !/__asan|__ubsan|__odr/ }
    `nm -D --defined-only $build/mod_acme_server.so`;
is("@shown", 'acme_server_module', 'one exported symbol');

my (%defined, %used);
for my $object (glob "$build/obj/*/*.o $build/obj/*.o") {
    for (`nm -g $object`) {
        my ($kind, $name) = /(\w) (\w+)$/ or next;
        next if $name =~ /^__|^_GLOBAL_/;
        if   ($kind eq 'U') { $used{$name}++ }
        else                { $defined{$name} = $object }
    }
}
ok(scalar keys %defined, 'extern symbols were found');
for my $name (sort keys %defined) {
    my $object = $defined{$name};
    next if $name =~ /^(?:main|acme_server_module)$/;
    my ($folder, $file) = $object =~ m{([^/]+)/([^/]+)\.o$};
    my $prefix = $folder eq 'base' ? $file : $folder;
    ok($name =~ /^\Q$prefix\E_/, "$folder/$file: $name carries its prefix")
        if $name !~ /^\Q$prefix\E_/;
    ok($used{$name}, "$folder/$file: $name is used outside its file")
        if !$used{$name};
}
done_testing;
