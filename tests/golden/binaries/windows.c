int z_data = 3;
__declspec(dllexport) int z_add(int a,int b){ return a+b+z_data; }
__declspec(dllimport) unsigned long GetTickCount(void);
__declspec(dllexport) int a_long_name_that_is_more_than_eight(int a){return z_add(a,(int)GetTickCount());}
int DllMainCRTStartup(void*a,unsigned long b,void*c){return 1;}
